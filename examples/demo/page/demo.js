// The page's half of the demo: a file for each part of the page. What a part wants to hear it puts into the tables of
// connection.js; when all have, the connection is opened.
import './echo.js';
import './story.js';
import './trips.js';
import './feed.js';
import './closings.js';
import './chat.js';
import './canvas.js';
import './screens.js';
import { connect } from './connection.js';

connect();
